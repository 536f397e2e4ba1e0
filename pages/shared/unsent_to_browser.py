"""What a session has drawn and its browser has not been sent yet."""

from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


class Unsent(ForwardMsgQueue):
    """Streamlit's queue of messages, which keeps what a whole run drew when a part of the page runs right after it.

    Streamlit takes out what that part (a fragment) drew in the run before, to save bytes, and leaves the word that this
    run has ended. A browser then removes the part, since the run seems not to have drawn it; what stands behind it
    moves up, and what is drawn next lands in a wrong place or in none ("Bad delta path index"). Which messages were
    sent in time is chance, so here they are as good as sent.
    """

    def clear(self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None) -> None:
        """As the library's `ForwardMsgQueue.clear`; nothing is taken out for a fragment.

        Args:
            retain_lifecycle_msgs: keep what says that runs begin and end.
            fragment_ids_this_run: the fragments that begin to run, None for the whole page.
        """
        if not retain_lifecycle_msgs or fragment_ids_this_run is None:
            super().clear(retain_lifecycle_msgs, fragment_ids_this_run)
            return
        # What comes next takes no place in the queue before the word that its run has begun.
        self._delta_index_map = {}


def keep_unsent() -> None:
    """Have every session that begins from now on keep its messages so."""
    setattr(app_session, ForwardMsgQueue.__name__, Unsent)
