"""A person at a console, as a page: its requests go by the same engine, policy, limits and log as those of a browser.

page       the engine of this process, asked in messages as an extension asks it
answer     a generation, shown while it comes
recording  a stream, shown while it comes and written down
printing   standard output, of which a text moves nothing but its own characters
"""
