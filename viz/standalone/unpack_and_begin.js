// What stands in the file as it is: it unpacks the rest, which is one text, and begins it.

// Seven bits are a character; the eight characters that a document could misread are told, three bits of them, together
// with the seven bits behind them, from U+0100 on (seven_bits.py).
const LEFT_OUT = [0, 9, 10, 13, 26, 34, 38, 60]

function bytesOf(text) {
  const bytes = new Uint8Array(Math.ceil(text.length * 1.25) + 1)
  let [held, count, at] = [0, 0, 0]
  const take = (seven) => {
    held = (held << 7) | seven
    count += 7
    if (count < 8) return
    count -= 8
    bytes[at++] = held >> count
    held &= (1 << count) - 1
  }
  for (let place = 0; place < text.length; place++) {
    const code = text.charCodeAt(place)
    if (code < 128) take(code)
    else {
      take(LEFT_OUT[(code - 256) >> 7])
      take((code - 256) & 127)
    }
  }
  return bytes.subarray(0, at)
}

async function begin() {
  const place = document.getElementById("contents")
  const bytes = bytesOf(place.textContent)
  const size = new DataView(bytes.buffer).getUint32(0, true)
  const stream = new Blob([bytes.subarray(4, 4 + size)]).stream().pipeThrough(new DecompressionStream("deflate"))
  const whole = new Uint8Array(await new Response(stream).arrayBuffer())
  place.remove()
  const script = 4 + new DataView(whole.buffer).getUint32(0, true)
  const url = URL.createObjectURL(new Blob([whole.subarray(4, script)], { type: "text/javascript" }))
  const { default: show } = await import(url)
  URL.revokeObjectURL(url)
  show({ parentElement: document.getElementById("picture"), data: whole.subarray(script) })
}

begin().catch((error) => {
  console.error(error)
  document.getElementById("said").textContent = "This picture could not be opened: this browser is too old, or the file is not whole."
})
