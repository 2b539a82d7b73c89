"""The old HTTP API below ``/api/winux``: the same routes and the same JSON keys, for clients that were written for it.

It differs where the old one did harm: nobody ends or lists what is somebody else's, and nothing is said to be done
before it is. The old clients send no token: the cookie that a launch sets is their ticket.
"""
