"""What a user does, in a real Chromium with a real host process and real local servers."""
