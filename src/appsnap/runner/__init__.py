"""An application as a process."""
