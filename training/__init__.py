"""How the bundled weights were made; each module can be run again."""
