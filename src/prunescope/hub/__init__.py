"""Files of the Hugging Face hub: fetching them, checking them, and advice when that fails."""
