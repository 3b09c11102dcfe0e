"""Requests that outlive their pages, as files: what is known of each, and the bytes of its response. No loop, no clock.

record.py   what is known of one request: whose it is, what it asked for, how it ended
digest.py   when two requests are the same
spool.py    the bytes of one response
store.py    all of them in one folder, which the daemons of one user share
budget.py   how many bytes and keys an entry of `pages` holds
looking.py  what lies in the folder, without a daemon and without a change
"""
