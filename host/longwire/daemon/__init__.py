"""How to get at this user's daemon: for the host that a browser starts, and for commands. What it is: `native.daemon`.

address   the folder, the sockets in it, and whether others could have put them there
peer      whose process is at the other end
lines     what both ends say before anything else, and how a command asks
watching  seeing the streams of all hosts
client    connecting, with all of that looked at
connected a socket, or on Windows (`named_pipe`) what stands in its place
"""
