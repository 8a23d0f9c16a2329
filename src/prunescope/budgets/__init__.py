"""The setting of a method at a wanted budget of visual tokens."""
