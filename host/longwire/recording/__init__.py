"""Recordings: streams with the timing of every piece, in files that hold no credentials.

model        the lines of a file
credentials  what of heads and bodies is one, and what stands in its place
masking      bodies without them, of the same length
reader       a file, read and checked
writer       a stream, written while it passes

The extension writes the same files (`extension/src/recording`). docs/recordings.md is for people.
"""
