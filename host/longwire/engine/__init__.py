"""What carries out requests, whatever their kind, for one connection to an extension.

channel          takes bytes and gives bytes, and can be lost
engine           three loops over one connection, and a task for each exchange
exchange         the life of one request: decide, open, deliver, end, exactly once
authorization    a decision of the policy turned into what may be sent and shown, hop by hop
suspending       what follows where a secret came back from its server
judging          what a request would meet, found out before it is made
validation       the same of a whole policy file
"""
