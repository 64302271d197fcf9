-- The commands. Nothing is started before one of them is used.
if vim.g.loaded_turnwire then
  return
end
vim.g.loaded_turnwire = true

local command = vim.api.nvim_create_user_command
command("Turnwire", function(given)
  require("turnwire").ask(given.args)
end, { nargs = "?", desc = "Ask the agent, or open its window and show what was missed" })
command("TurnwireCancel", function()
  require("turnwire").cancel()
end, { desc = "Cancel the runs that are under way" })
command("TurnwireNew", function()
  require("turnwire").new_session()
end, { desc = "Begin a new session" })
