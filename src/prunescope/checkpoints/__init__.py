"""Models on disk: downloading and converting them, and loading a folder as a model."""
