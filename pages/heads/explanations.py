"""What is said about the heads page's pictures."""

EXPLANATION = """
**Layers from left to right, heads from top to bottom.** Each head of each layer decides by itself where every token
looks. What it does in general is not seen in one text; so each head is judged over a bank of some hundred sentences
with their grammar, and over random tokens that are repeated.

**A name is earned.** For each role stands what is measured, and what chance, or the best fixed place, would give. A
head has the name where even the lower end of its interval lies above that. A head may have several names, or none; a
name says *where it looks*, not why, and not whether it matters.

- **Position**: the previous token, the next one, a fixed offset, the first token (a *sink*), delimiters.
- **Content**: the same word, the earlier copy of a token (*duplicate*), what came after the earlier copy
  (*induction*), everything a little (*broad*), and *copying*: whether what the head moves makes its own token likelier.
- **Grammar**: from a word to the one that it depends on, or back: *dobj → its head* goes from a direct object to its
  verb.

**An effect** is what becomes of a number when a part is off, in a run of its own, all others left on. Two heads that do
the same hide each other, and others make up for what is missing: hence the comparison with chance. **The estimate** is
one slope, followed all the way to off: it is there at once, and it is wrong where things bend. Confirm it.

**Transfer** asks the other way round: what of one text's run, put into another's, brings its answer along?
"""
