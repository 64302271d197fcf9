-- What `vim.lsp.rpc.start` is in later versions of Neovim, as far as the example plugin can tell: the
-- command is one list, and a request of the server is answered from a coroutine.
local frame = "Content-Length: %d\r\n\r\n%s"

vim.lsp.rpc.start = function(cmd, dispatchers, _)
  local stdin, stdout = vim.loop.new_pipe(false), vim.loop.new_pipe(false)
  local callbacks, last_id, received, handle = {}, 0, "", nil

  local function send(message)
    message.jsonrpc = "2.0"
    local body = vim.json.encode(message)
    stdin:write(frame:format(#body, body))
  end

  local function answer(message)
    local result, err = dispatchers.server_request(message.method, message.params)
    send({ id = message.id, result = result, error = err })
  end

  local function take(message)
    if message.method and message.id then
      vim.schedule(coroutine.wrap(function()
        answer(message)
      end))
    elseif message.method then
      vim.schedule(function()
        dispatchers.notification(message.method, message.params)
      end)
    else
      vim.schedule(function()
        callbacks[message.id](message.error, message.result)
      end)
    end
  end

  handle = vim.loop.spawn(cmd[1], {
    args = vim.list_slice(cmd, 2),
    stdio = { stdin, stdout, nil },
  }, function(code, signal)
    handle:close()
    dispatchers.on_exit(code, signal)
  end)
  stdout:read_start(function(_, chunk)
    received = received .. (chunk or "")
    while true do
      local length, start = received:match("^Content%-Length: (%d+)\r\n\r\n()")
      if not length or #received < start + length - 1 then
        return
      end
      local body = received:sub(start, start + length - 1)
      received = received:sub(start + length)
      take(vim.json.decode(body))
    end
  end)

  return {
    request = function(method, params, callback)
      last_id = last_id + 1
      callbacks[last_id] = callback
      send({ id = last_id, method = method, params = params })
      return true, last_id
    end,
    notify = function(method, params)
      send({ method = method, params = params })
      return true
    end,
  }
end
