// Hands the scores of a step to the picture of its next token, and asks the server for them. As small as it can be: it
// is sent with every rerun, the scores only once. What goes wrong in the picture is the picture's.
export default ({ data, setTriggerValue }) => {
  const all = ((globalThis.headlight ??= {}).scores ??= new Map())
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true)
  const { name, of, count } = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)))
  const scores = all.get(name) ?? {}
  all.set(name, scores)
  scores.ask = () => setTriggerValue("wanted", of)
  if (count) scores.data = data.slice()
  try { scores.arrived?.() } catch (error) { reportError(error) }
}
