// Hands the newest steps of a run to the picture that shows it, and tells the server how many it has. No larger than
// it must be: it is sent with every update. What goes wrong in the picture is the picture's (mount.js).
export default ({ data, setStateValue }) => {
  const runs = ((globalThis.headlight ??= {}).runs ??= new Map())
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true)
  const { run: name, since, count, isDone } = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)))
  const run = runs.get(name) ?? { parts: [], count: 0 }
  runs.delete(name)
  runs.set(name, run)
  while (runs.size > 4) runs.delete(runs.keys().next().value)
  if (since <= run.count && count > run.count) {
    run.parts.push({ data: data.slice(), skip: run.count - since })
    run.count = count
  }
  run.isDone = isDone
  try { run.arrived?.() } catch (error) { reportError(error) }
  clearTimeout(run.telling)
  if (count !== since || since > run.count) run.telling = setTimeout(() => setStateValue("seen", [name, run.count]), 250)
}
