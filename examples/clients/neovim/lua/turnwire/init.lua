--- A client for Turnwire: asks the agent, and shows what it does in a window.
---
--- Each prompt is a run with an id of its own. It stays in `runs` until its completion has come. If the
--- server dies before that, the next server is started and gets the prompt again under the same id,
--- which never runs a prompt twice.
local connection = require("turnwire.connection")
local questions = require("turnwire.questions")
local window = require("turnwire.window")

local M = {}

local options = {
  cmd = { "turnwire", "serve", "--log-level", "warn", "--linger", "600" },
  -- Completions belong to the identity in this file: what one Neovim missed, the next one gets.
  identity_file = vim.fn.stdpath("data") .. "/turnwire-client-id",
}

local server -- The connection, from its start until the server has ended.
local place -- `{workspaceId, sessionId}`, once the server is ready.
local session_id -- Stays the same over restarts of the server.
local runs = {} -- The runs that have no completion yet, in order: `{runId, prompt}`.
local handled = {} -- The completions that were shown.
local failed_starts = 0

--- Options: `cmd`, a list with the server's command; `identity_file`.
function M.setup(given)
  options = vim.tbl_extend("force", options, given or {})
end

local function new_id()
  return string.format("nvim-%d-%s", os.time(), tostring(vim.loop.hrtime()))
end

local function client_id()
  local file = options.identity_file
  if vim.fn.filereadable(file) == 0 then
    vim.fn.mkdir(vim.fn.fnamemodify(file, ":h"), "p")
    vim.fn.writefile({ new_id() }, file)
  end
  return vim.fn.readfile(file)[1]
end

local function say(text)
  window.append("\n\n*" .. text .. "*\n\n")
end

local function with_place(params)
  return vim.tbl_extend("force", params, place)
end

--- Shows a completion, and acknowledges it when it is shown. It may come twice.
local function complete(completion)
  local is_ours = false
  runs = vim.tbl_filter(function(run)
    is_ours = is_ours or run.runId == completion.runId
    return run.runId ~= completion.runId
  end, runs)
  if not handled[completion.completionId] then
    handled[completion.completionId] = true
    if is_ours then
      window.finish(completion)
    else
      window.append("\n\n# Missed\n\n" .. completion.text)
    end
    say(completion.status .. (completion.error and ": " .. completion.error or ""))
  end
  server.send("acknowledge", { completionIds = { completion.completionId } })
end

--- Sends a prompt, in a coroutine. Sending it again is harmless.
local function send(run)
  local answer, err = server.call("sendMessage", with_place(run))
  if err then
    runs = vim.tbl_filter(function(other)
      return other ~= run
    end, runs)
    say("not accepted: " .. err.message)
  elseif answer.duplicate and answer.state == "completed" then
    local told = server.call("getRun", with_place({ runId = run.runId }))
    if told and told.completion then
      complete(told.completion)
    end
  end
end

local function on_notification(method, params)
  if method == "runComplete" then
    complete(params)
  elseif method == "messageDelta" and params.kind == "text" then
    window.delta(params, function(show)
      server.send("getMessage", with_place({ messageId = params.messageId }), show)
    end)
  elseif method == "messageUpdated" then
    window.tools(params.message)
  elseif method == "permissionResolved" then
    questions.resolved(params)
  end
end

local connect

--- The server has ended. If a run waits for its completion, the next server is asked for it.
local function on_exit()
  local was_ready = place ~= nil
  server, place = nil, nil
  failed_starts = was_ready and 0 or failed_starts + 1
  if #runs == 0 then
    return
  end
  if failed_starts < 3 then
    connect()
  else
    runs, failed_starts = {}, 0
    say("The server does not start: " .. table.concat(options.cmd, " "))
  end
end

local function give_up(what, err)
  runs = {}
  say(what .. ": " .. err.message)
  if server then
    server.stop()
  end
end

--- Starts a server and sends it the runs that wait.
connect = function()
  server = connection.start(options.cmd, {
    notification = on_notification,
    question = questions.ask,
    exit = on_exit,
  })
  if server == nil then
    return give_up("The server does not start", { message = table.concat(options.cmd, " ") })
  end
  connection.go(function()
    local _, err = server.call("initialize", {
      protocolVersion = 1,
      clientId = client_id(),
      clientInfo = { name = "turnwire.nvim" },
    })
    if err then
      return give_up("The server refused", err)
    end
    local workspace, refused =
      server.call("createWorkspace", { path = vim.fn.getcwd(), initAgent = true })
    if refused then
      return give_up("The folder was refused", refused)
    end
    session_id = session_id or new_id()
    local ids = { workspaceId = workspace.id, sessionId = session_id }
    local _, no_session = server.call("createSession", ids)
    if no_session then
      return give_up("There is no session", no_session)
    end
    place = ids
    for _, run in ipairs(vim.deepcopy(runs)) do
      send(run)
    end
  end)
end

--- Sends a prompt. An empty one only opens the window, and shows what an earlier Neovim missed.
function M.ask(prompt)
  window.open()
  if prompt ~= "" then
    local run = { runId = new_id(), prompt = prompt }
    table.insert(runs, run)
    window.append("\n\n# " .. prompt .. "\n\n")
    if place then
      return connection.go(function()
        send(run)
      end)
    end
  end
  if server == nil then
    connect()
  end
end

--- Cancels what is under way. The completions still come, and tell how it ended.
function M.cancel()
  for _, run in ipairs(place and runs or {}) do
    server.send("cancelRun", with_place({ runId = run.runId }))
  end
end

--- The next prompt begins a new session.
function M.new_session()
  if #runs > 0 then
    return say("A run is under way.")
  end
  session_id = new_id()
  if place then
    local ids = { workspaceId = place.workspaceId, sessionId = session_id }
    server.send("createSession", ids, function()
      place = ids
    end)
  end
  say("A new session.")
end

--- Whether nothing is under way: for scripts.
function M.is_idle()
  return #runs == 0
end

return M
