"""Longwire: long HTTP streams for web pages, carried by a native-messaging host outside the browser."""

__version__ = "0.1.0"
