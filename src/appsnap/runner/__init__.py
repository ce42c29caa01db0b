"""An application as a process.

* To *serve* an application is to load it, start it, wait for a signal, and stop it (`process`).
* A *generation* is a snapshot of it in the folder of its state (`generations`). The *saver* decides when one is written
  (`saver`), by a forked *child* where the system can (`forked`). *Hooks* are methods of services around that (`hooks`).
* A *stop signal* is SIGINT, SIGTERM or SIGHUP. The first one stops the application, the second one ends the process.
"""
