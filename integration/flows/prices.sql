-- :selected  rules of the contracts asked for, in id order
SELECT r.id FROM rule r JOIN contract c ON c.id = r.contract_id JOIN module m ON m.id = r.module_id
JOIN rule_state s ON s.rule_id = r.id
LEFT JOIN document d ON d.id = s.last_document_id
WHERE c.organisation_id = :organisation AND r.id > :after
  AND lower(c.label) LIKE :contract AND lower(m.code) LIKE :module
  AND (:activity = '' OR c.activity = :activity)
  AND (d.issued_on IS NULL OR d.issued_on < :not_billed_since)
ORDER BY r.id LIMIT :limit

-- :rules
SELECT r.id, c.id, k.id, k.code, k.name, c.code, c.label, m.code, m.since, r.code, r.label,
  r.since, r.until, r.increase, r.decimals, s.state, s.events, c.activity, m.id,
  d.journal, d.fiscal_year, d.number
FROM rule r JOIN contract c ON c.id = r.contract_id JOIN module m ON m.id = r.module_id
JOIN customer k ON k.id = c.customer_id JOIN rule_state s ON s.rule_id = r.id
LEFT JOIN document d ON d.id = s.last_document_id
WHERE c.organisation_id = :organisation AND r.id {rules} ORDER BY r.id

-- :cost_lines
SELECT l.rule_id, l.id, l.family, l.price_e8, l.payment_mode, l.article FROM cost_line l
WHERE l.rule_id {rules} ORDER BY l.rule_id, l.position

-- :assets  those of the rule, else of its module
SELECT r.id, count(a.id), min(a.installed_on) FROM rule r
LEFT JOIN rule_asset ra ON ra.rule_id = r.id
LEFT JOIN module_asset ma ON ma.module_id = r.module_id AND ra.rule_id IS NULL
LEFT JOIN asset a ON a.id = coalesce(ra.asset_id, ma.asset_id)
WHERE r.id {rules} GROUP BY r.id ORDER BY r.id

-- :spans  first and last day of whole contracts
SELECT m.contract_id, min(m.since), max(m.until), sum(CASE WHEN m.until IS NULL THEN 1 ELSE 0 END)
FROM module m WHERE m.contract_id {contracts} GROUP BY m.contract_id

-- :trail
SELECT h.rule_id, h.field, h.changed_at, h.author FROM rule_change h WHERE h.rule_id {rules}
ORDER BY h.rule_id, h.sequence

-- :history  billings of a contract that moved a price, with their documents
SELECT r.code, e.state, d.journal, d.fiscal_year, d.number FROM rule_event e
JOIN rule r ON r.id = e.rule_id JOIN contract c ON c.id = r.contract_id
LEFT JOIN document d ON d.id = e.document_id
WHERE c.organisation_id = :organisation AND c.code = :code AND e.state LIKE :moved
ORDER BY r.id, e.sequence

-- :articles  of the cost lines of a contract
SELECT l.id, l.article FROM cost_line l JOIN rule r ON r.id = l.rule_id
JOIN contract c ON c.id = r.contract_id
WHERE c.organisation_id = :organisation AND c.code = :code

-- :syntec  rules that the Syntec index revises
SELECT r.id FROM rule r JOIN contract c ON c.id = r.contract_id
WHERE c.organisation_id = :organisation AND c.status = 'validated'
  AND r.increase LIKE :syntec
