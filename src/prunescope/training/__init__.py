"""Training of the testbeds: vision tower, decoder, projector, and the assembled model."""
