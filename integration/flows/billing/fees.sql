-- :fee_prices  of articles in lists in force, public or net for one of these customers; best last
SELECT a.code, a.label, a.vat_ppm, a.account, p.price_e8, c.customer_id
FROM price_list l JOIN price p ON p.price_list_id = l.id JOIN article a ON a.id = p.article_id
LEFT JOIN price_list_customer c
  ON c.price_list_id = l.id AND c.attached = 1 AND c.customer_id {customers}
WHERE l.organisation_id IN (SELECT organisation_id FROM customer WHERE id {customers})
  AND a.code {articles} AND l.in_force = 1
  AND l.since <= :work_date AND (l.until IS NULL OR l.until > :work_date)
  AND (l.public = 1 OR c.customer_id IS NOT NULL)
ORDER BY l.precedence, l.since, l.code, a.code, c.customer_id

-- :named_articles  with what makes one a fee, and whether a public list sells it on a day
SELECT a.code, a.intangible, max(CASE WHEN l.id IS NULL THEN 0 ELSE 1 END)
FROM article a LEFT JOIN price p ON p.article_id = a.id
LEFT JOIN price_list l ON l.id = p.price_list_id AND l.public = 1 AND l.in_force = 1
  AND l.since <= :work_date AND (l.until IS NULL OR l.until > :work_date)
WHERE a.organisation_id = :organisation AND a.code {articles}
GROUP BY a.code, a.intangible
