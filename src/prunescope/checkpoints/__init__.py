"""A folder of weights becomes a model that is ready to answer."""
