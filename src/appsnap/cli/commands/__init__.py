"""The commands of `appsnap`. The module of each has its options, its help, and the order of its acts.

A new command is a module here, and a line in `appsnap.cli.app.COMMANDS`.
"""
