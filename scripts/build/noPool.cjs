// Stands in the bundle for pg-pool, which is never used: a relay has one connection. pg extends the class.
module.exports = class {};
