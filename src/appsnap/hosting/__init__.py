"""Servers for applications of web frameworks, as services: ASGI, WSGI, aiohttp; and objects that start and stop.

A server is a service that holds the application and its address, which are both saved. It listens by
`listening.listen`, so the sockets of systemd are taken, and a restart in place keeps them open.

`recognise` makes an application that runs any of them. The class of the object decides, and no framework is imported
for the question.

No server library is a dependency of appsnap. Each is an extra, which is imported when the service starts.
"""
