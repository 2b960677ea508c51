// What the page asks of the server; every address begins with the token that the page's own has.

const TYPES = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array };

// {dtype, data} to a typed array, all through an object
function decoded(value) {
  if (Array.isArray(value) || value === null || typeof value !== "object") return value;
  if (value.dtype) {
    const bytes = Uint8Array.from(atob(value.data), letter => letter.charCodeAt(0));
    return new TYPES[value.dtype](bytes.buffer);
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, decoded(part)]));
}

export async function picture(after) {
  return decoded(await (await fetch(`picture?after=${after}`)).json());
}

export async function choices() {
  return (await fetch("choices")).json();
}

// Resolves to {answer}, or to {error}: why it was not done.
export async function command(name, given = {}) {
  try {
    return await (await fetch("do", { method: "POST", body: JSON.stringify({ command: name, ...given }) })).json();
  } catch {
    return { error: "the server does not answer" };
  }
}
