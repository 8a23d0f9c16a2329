"""How the testbeds were trained."""
