"""The command line: one module a command; nothing but arguments, words and exit codes."""
