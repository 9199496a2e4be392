// npm's ocpp-rpc as a server whose handlers do nothing; the first line of output is its port.
const { RPCServer } = require("ocpp-rpc");

const server = new RPCServer({ protocols: ["ocpp2.0.1"], strictMode: true });
const now = () => new Date().toISOString();
server.on("client", (client) => {
  client.handle("BootNotification", () => ({ currentTime: now(), interval: 300, status: "Accepted" }));
  client.handle("Heartbeat", () => ({ currentTime: now() }));
  client.handle("StatusNotification", () => ({}));
  client.handle("MeterValues", () => ({}));
  client.handle("TransactionEvent", () => ({}));
});
server.listen(0, "127.0.0.1").then((http) => console.log(http.address().port));
