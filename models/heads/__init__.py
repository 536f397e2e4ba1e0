"""What each head does, which of them matter, and what carries a difference from one text to another."""
