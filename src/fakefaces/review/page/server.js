// What the page asks its server. An answer that is no success is an Error with the server's sentence.

export class Refused extends Error {}

async function answer(response) {
  if (response.ok) return response;
  const { problem } = await response.json().catch(() => ({}));
  throw new Refused(problem ?? `the server answered ${response.status}`);
}

export async function get(path, parameters = {}) {
  return (await answer(await fetch(`${path}?${new URLSearchParams(parameters)}`))).json();
}

export async function post(path, body) {
  return (await answer(await fetch(path, { method: "POST", body: JSON.stringify(body) }))).json();
}

export async function upload(name, file) {
  await answer(await fetch(`/files?${new URLSearchParams({ name })}`, { method: "POST", body: file }));
}

export async function picture(key, heatmap, side, signal) {
  const parameters = new URLSearchParams({ heatmap: heatmap ? 1 : 0, side });
  return (await answer(await fetch(`/picture/${key}?${parameters}`, { signal }))).blob();
}
