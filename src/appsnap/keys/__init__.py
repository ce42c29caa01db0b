"""Keys: who signed a snapshot, and whose signatures are trusted."""
