-- :letters
SELECT id, reference, requested_on, channel, content FROM reading_request WHERE id {ids}
