"""Decoders before any image: their attention to grids of tokens that mean nothing."""
