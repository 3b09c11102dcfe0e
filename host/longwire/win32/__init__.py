"""What Windows has and Python's library does not offer: pipes that are one user's alone, whose process is at the other
end, locks that readers share. None of it has been run on Windows; it is tested with a made-up one.

`ctypes` it is, in the files of this room and nowhere else: pywin32 would be ten megabytes and a post-install step for
fifteen functions, `multiprocessing.connection` and asyncio make pipes without an access list.

api        the functions, with their types, and an error for each that fails
users      whose process it is
pipes      an end of a named pipe: made, opened, read and written with a timeout
processes  whether one runs
memory     what this process holds
files      opening without following links, without keeping others from deleting; locks
"""
