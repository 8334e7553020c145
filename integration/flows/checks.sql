-- :codes
SELECT r.id, c.code, r.code FROM rule r JOIN contract c ON c.id = r.contract_id WHERE r.id {rules}
