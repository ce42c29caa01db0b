"""An application as a process.

* To *serve* an application is to load it, start it, wait for a signal, and stop it (`process`).
* A *stop signal* is SIGINT, SIGTERM or SIGHUP. The first one stops the application, the second one ends the process.
"""
