"""Trials: objects and scripts of many sorts, saved in one process and loaded in another one."""
