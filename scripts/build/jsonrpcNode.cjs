// Stands in the server's bundle for vscode-jsonrpc/node, which loads its transports as well: pipes,
// sockets, ports and the cancellation by shared memory. The server reads and writes its messages itself.
const ril = require("../../node_modules/vscode-jsonrpc/lib/node/ril.js");
ril.default.install();

const {
  CancellationTokenSource,
} = require("../../node_modules/vscode-jsonrpc/lib/common/cancellation.js");
const connection = require("../../node_modules/vscode-jsonrpc/lib/common/connection.js");
const messages = require("../../node_modules/vscode-jsonrpc/lib/common/messages.js");
const {
  AbstractMessageReader,
} = require("../../node_modules/vscode-jsonrpc/lib/common/messageReader.js");
const {
  AbstractMessageWriter,
} = require("../../node_modules/vscode-jsonrpc/lib/common/messageWriter.js");

exports.AbstractMessageReader = AbstractMessageReader;
exports.AbstractMessageWriter = AbstractMessageWriter;
exports.CancellationTokenSource = CancellationTokenSource;
exports.ConnectionError = connection.ConnectionError;
exports.ErrorCodes = messages.ErrorCodes;
exports.Message = messages.Message;
exports.ResponseError = messages.ResponseError;
exports.createMessageConnection = (reader, writer, logger = connection.NullLogger, options) =>
  connection.createMessageConnection(reader, writer, logger, options);
