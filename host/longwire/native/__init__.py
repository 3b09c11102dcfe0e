"""The process that the browser starts: stdio threads, session, shutdown.

`main` is the entry point, `stdio` the private descriptors and their threads, `channel` what a session needs of any
carrier, `session` the engine that runs streams over a channel, `exchange` one stream, `log` the lifecycle log.
"""
