"""The process that the browser starts, and the daemon that it may be a pipe to.

main            the entry point of both
caller          who started the host
descriptors     the private ones, for frames
decision        whether it is a pipe, or does all by itself
core_dumps      memory holds secrets, so none are written

loading         what that loads before WELCOME, after it, and with its first stream
process         a host by itself: everything put together, once: policy, upstream client, engine, log
stdio           its channel: the descriptors and their threads

starting        how a host comes to its daemon
pipe            bytes between the browser and the daemon

daemon          the daemon's process
place           the only one of its user, at the address where hosts look
serving         everything put together, once, and when it is over
guests          who is connected
socket_channel  a connection as a channel
kinds           the kinds of exchanges, of both
memory          how much a process holds
"""
