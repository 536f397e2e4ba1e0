// Plays the part of the page: draws the picture of the file, in the colours of the theme that is shown.

import { PatchView } from "../components/patch_view/index.js"
import { mount } from "../components/scaffold/mount.js"
import { unpack } from "../components/scaffold/message_numbers.js"
import { sharedEntry } from "../components/scaffold/shared_by_scripts.js"

const picture = mount(".patch-view", PatchView)

/** Called as a component is: see mount.js. */
export default ({ parentElement, data }) => {
  const { header } = unpack(data)
  const { state, key, of } = header
  const known = sharedEntry("states", key, () => ({}))
  known.state = { of, ...state }
  // What is chosen in the picture is shown by itself; it is told so that the next theme has it as well.
  const chosen = ([head, ...queries]) => Object.assign(known.state, { head, queries })
  const draw = () => picture({ parentElement, data, setTriggerValue: (name, value) => name === "chosen" && chosen(value) })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw)
  draw()
}
