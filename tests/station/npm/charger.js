// Chargers on npm's `ocpp-rpc` in strict mode, driven by a test: JSON lines in, JSON lines out.
//
//   in   {do: "connect", client, options}              options of RPCClient; `schemas`: a folder of public 2.1 schemas
//        {do: "call", client, n, action, payload}      answered by {n, result} or {n, error: {code, text}}
//        {do: "reply", client, id, result | error}     what the charger answers to a call it has heard
//        {do: "freeze" | "terminate" | "close", client, n}
//   out  {client, open: protocol} {client, heard: action, id, params} {client, flaw: text} {client, closed: code}

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { RPCClient, createValidator, createRPCError } = require("ocpp-rpc");

const clients = new Map();

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// Release 2.2.1 names its own 2.1 schemas in a way that its client does not look for, so the public ones are given to
// it under the names that it does look for.
function validator(folder) {
  const files = fs.readdirSync(folder).filter((file) => file.endsWith(".json"));
  const schemas = files.map((file) => {
    const schema = JSON.parse(fs.readFileSync(path.join(folder, file), "utf8").replace(/^\uFEFF/, ""));
    const name = path.basename(file, ".json");
    const answer = name.endsWith("Response");
    delete schema.$schema; // draft 6, which the client's ajv has not loaded; nothing in them is different in draft 7
    schema.$id = "urn:" + name.replace(/(Request|Response)$/, "") + (answer ? ".conf" : ".req");
    return schema;
  });
  return createValidator("ocpp2.1", schemas);
}

function listen(name, client, waiting) {
  client.on("open", () => say({ client: name, open: client.protocol }));
  client.on("close", ({ code }) => say({ client: name, closed: code }));
  client.on("strictValidationFailure", ({ method, error, outbound, isCall }) =>
    say({ client: name, flaw: `${outbound ? "own" : "heard"} ${method} ${isCall ? "call" : "answer"}: ${error.message}` }));
  client.on("badMessage", ({ buffer, error }) =>
    say({ client: name, flaw: `heard no message: ${error.message}: ${String(buffer).slice(0, 200)}` }));
  client.handle(({ method, params, messageId }) => new Promise((resolve, reject) => {
    waiting.set(messageId, { resolve, reject });
    say({ client: name, heard: method, id: messageId, params });
  }));
}

const does = {
  async connect({ client: name, options: { schemas, ...options } }) {
    const waiting = new Map();
    const own = schemas ? [validator(schemas)] : [];
    const client = new RPCClient({ ...options, strictMode: true, strictModeValidators: own, reconnect: false });
    clients.set(name, { client, waiting });
    listen(name, client, waiting);
    await client.connect();
    return client.protocol;
  },
  call: ({ client, action, payload }) => clients.get(client).client.call(action, payload),
  reply({ client, id, result, error }) {
    const { resolve, reject } = clients.get(client).waiting.get(id);
    clients.get(client).waiting.delete(id);
    return error ? reject(createRPCError(error)) : resolve(result);
  },
  freeze: ({ client }) => void clients.get(client).client._ws._socket.pause(), // open, and as good as dead
  terminate: ({ client }) => void clients.get(client).client._ws.terminate(),
  close: ({ client }) => clients.get(client).client.close({ code: 1000 }),
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const asked = JSON.parse(line);
  try {
    const result = await does[asked.do](asked);
    if (asked.n !== undefined) say({ n: asked.n, result: result ?? null });
  } catch (error) {
    say({ n: asked.n, error: { code: error.rpcErrorCode ?? error.code ?? error.name, text: error.message } });
  }
}).on("close", () => process.exit(0));
