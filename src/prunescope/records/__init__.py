"""The stored answers: the store, its upkeep, and export to other tools."""
