"""What is said on the anatomy page in more than a line."""

EXPLANATION = """\
**The plan** is drawn from what the model does: its class runs once without weights, every operation is noted with the
module in which it runs, and what stands in the picture is what was seen. **A box** is a part with its parameters, bytes
and floating-point operations for this text (a multiplication and an addition are two). **An arrow** is a tensor and
carries its shape. **⊕** is a sum with what a part was given: the residual connection.

**Places.** A module that gives the same whatever the words are, and something else at each place, tells places apart. With
all places the first, or shuffled, the words stay where they are. **Off** means: a head, an MLP or a layer gives nothing, a
norm gives what it is given, a residual connection is what the part gives alone. Zeroing is unnatural: a change says
something beside that of other parts, drawn at random. **Three families**: an edit changes what may see it. **√d, softmax,
heads**: the queries and keys are the model's own; only what is done with them is another.
"""
