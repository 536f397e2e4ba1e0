"""The heads page's ready-made examples. Their figures are tested against the models."""

from pages.heads.choices import CARRIER, INTO, OF_HEAD, OF_ROLE, SHOW, WORD
from pages.shared import thread
from pages.shared.examples import ReadyMade
from pages.shared.link import NumberPair

EXAMPLES = (
    ReadyMade(
        "verb finder",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "The committee that the minister appointed rejected every proposal. All of them were rejected "
            "by the",
            OF_HEAD: NumberPair((10, 1)),
            OF_ROLE: "dobj>head",
        },
        "One head that links an object to its verb: in your sentence *proposal* looks at *rejected*, far back.",
    ),
    ReadyMade(
        "what matters for Zorblax",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z",
            SHOW: "effects",
            OF_HEAD: NumberPair((16, 0)),
        },
        "Without which head does the model lose its answer, here “or” unless you type another token? The estimate is "
        "there at once; press the button for the truth. For *L16 H0* and “or” the two part.",
    ),
    ReadyMade(
        "Paris into Rome",
        {
            thread.MODEL: "smollm2",
            thread.TEXT: "The Eiffel Tower is in Paris. The capital of France is",
            SHOW: "transfer",
            INTO: "The Colosseum is in Rome. The capital of Italy is",
            CARRIER: "stream",
            WORD: "Paris",
        },
        "Put what the model computed of the one text into its run of the other: where does *Paris* come over?",
    ),
)
