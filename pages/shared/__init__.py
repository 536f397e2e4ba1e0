"""What every page shares: choices and links, the text, messages, the engine, exports."""
