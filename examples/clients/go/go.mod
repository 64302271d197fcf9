module turnwire.dev/client

go 1.19
