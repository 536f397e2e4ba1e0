"""What is said on the anatomy page in more than a line."""

EXPLANATION = """\
**The plan** is drawn from what the model does: its class runs once without weights, every operation is noted with the
module in which it runs, and what stands in the picture is what was seen. **A box** is a part with its parameters,
bytes and floating-point operations for this text (a multiplication and an addition are two). **An arrow** is a tensor
and carries its shape. **⊕** is a sum with what a part was given: the residual connection.

**What each part says** is direct logit attribution (Elhage et al. 2021). All that a layer does is to add vectors to
the residual stream; the final norm divides their sum by one number, and the head multiplies it with the row of a
token. With that number held still the logit is a sum over the parts. Where norms stand over each sum (BERT) or over
what a part gives (Gemma), all of them are held. A head that bends its logits (Gemma 2) does so after the sum, and it
is said. What a part does to later parts is theirs: switch it off to see both.

**One token on its way up**: the length (L2 norm) of its stream before and after each layer, of what attention and the
MLP add, and the cosine of that with the stream. A norm takes the mean away (LayerNorm) or does not (RMSNorm), divides
by the spread and multiplies with its gain.

**A neuron** is one of the numbers that the last matrix of an MLP is given; its vector is that matrix' column. Its
tokens are those whose rows of the head have the largest and smallest products with it (Geva et al. 2021, 2022). The
curve that is drawn is the model's own function, evaluated.

**Places.** A module that gives the same whatever the words are, and something else at each place, tells places apart.
With all places the first, or shuffled, the words stay where they are. **Off** means: a head, an MLP or a layer gives
nothing, a norm gives what it is given, a residual connection is what the part gives alone. Zeroing is unnatural: a
change says something beside that of other parts, drawn at random. **Three families**: an edit changes what may see
it. **√d, softmax, heads**: the queries and keys are the model's own; only what is done with them is another.
"""
