"""The process that the browser starts.

main        the entry point
process     everything put together, once: policy, upstream client, engine, log
stdio       the private descriptors and their threads
last_words  what is said when the start fails
core_dumps  memory holds secrets, so none are written
"""
