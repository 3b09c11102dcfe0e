"""Files of this user that several processes of Longwire share: never half written, and changed by one at a time."""
