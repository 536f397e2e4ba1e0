"""How it is drawn: arrays in, pictures out. Knows no model and, outside of components, no Streamlit."""
